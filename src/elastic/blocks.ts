import { ConfigError } from "../errors.js";

/**
 * Which blocks a shallower network keeps: index_j = trunc(j · (total − 1) / (kept − 1)) and always the last (spec §2.3).
 *
 * The division comes before the product and both are double precision, as published: for some depths this keeps a
 * block one below the exact quotient (31 blocks, 23 kept: block 14, not 15), and published weights depend on it.
 *
 * @param total  blocks of the full network, ≥ 1
 * @param kept  blocks of the sub-network, 1 … total
 * @returns ascending indices, `kept` of them
 * @throws ConfigError if `kept` blocks cannot be taken from `total`
 */
export function keptBlocks(total: number, kept: number): number[] {
  if (!Number.isInteger(kept) || !Number.isInteger(total) || kept < 1 || kept > total) {
    throw new ConfigError(`keptBlocks: cannot keep ${kept} of ${total} blocks; choose an integer from 1 to ${total}.`);
  }
  if (kept === 1) return [0];
  const step = (total - 1) / (kept - 1);
  return Array.from({ length: kept }, (_, j) => (j === kept - 1 ? total - 1 : Math.trunc(j * step)));
}
