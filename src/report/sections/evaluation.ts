import type { Chart } from "../chart.js";
import { curves } from "../curves.js";
import type { RunRecord } from "../run-record.js";
import { chartSlots, emptyNote, type Section } from "../section.js";

const KNN = "knn.";

/** Figures of an evaluation that tell whether the features have collapsed. */
const HEALTH: readonly (readonly [key: string, caption: string])[] = [
  ["featureStd", "deviation of features of length 1 over images; healthy near 1/√F, 0 is collapse"],
  ["teacherEntropy", "mean entropy of the targets, as a share of ln K; 1 if they say nothing"],
  ["teacherMeanEntropy", "entropy of the mean target, as a share of ln K; 0 if all targets are the same"],
  ["lossOverLnK", "loss of a pair of crops, as a share of ln K; 1 is nothing learnt"],
];

/** k-NN accuracy of the teacher as the run went on. */
export function evaluation({ evaluations }: RunRecord): Section {
  const ks = evaluations.keys.filter((key) => key.startsWith(KNN));
  const charts: Chart[] = [
    ...(ks.length > 0
      ? [
          curves(evaluations, {
            id: "knn",
            title: "k-NN accuracy",
            caption: "share of the test images whose neighbours name their class",
            series: new Map(ks.map((key) => [key, `k = ${key.slice(KNN.length)}`])),
          }),
        ]
      : []),
    ...HEALTH.filter(([key]) => evaluations.keys.includes(key)).map(([key, caption]) =>
      curves(evaluations, { id: key, title: key, caption, series: new Map([[key, key]]) }),
    ),
  ];
  const body =
    charts.length > 0
      ? chartSlots(charts)
      : emptyNote("The run has not been evaluated on its way. This setting does so:", "evaluation.knn=SPEC");
  return { id: "evaluation", title: "k-NN over time", body, charts };
}
