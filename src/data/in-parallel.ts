/**
 * The results of some tasks, of which few run at the same time.
 *
 * @param count  of the tasks
 * @param parallel  how many at most have begun and not ended
 * @returns in the order of the tasks
 * @throws what the first of the tasks that failed, in their order and not in that of time, has thrown; after all have ended
 */
export async function inParallel<T>(count: number, parallel: number, task: (i: number) => Promise<T>): Promise<T[]> {
  const results: PromiseSettledResult<T>[] = new Array(count);
  let next = 0;
  const run = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) [results[i]] = await Promise.allSettled([task(i)]);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, count) }, run));
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
