/** All ways in from outside. */
import type { Target } from './target.ts';
import { controls, marksOfNodes } from './targets/annotations.ts';
import { hostAnswers, hostDecisions } from './targets/host.ts';
import { httpRequests } from './targets/http.ts';
import { policyObjects, policyYaml } from './targets/policies.ts';
import {
  durationTexts,
  instantTexts,
  limits,
  scheduleTexts,
  selectors,
  versionTexts,
} from './targets/policytext.ts';
import { reportHistories } from './targets/reports.ts';
import { certificates, kubeconfigs, options } from './targets/startup.ts';
import { channelAnswers, kubernetesAnswers, streamBytes, streamLines } from './targets/stream.ts';

export const TARGETS: readonly Target[] = [
  hostAnswers,
  hostDecisions,
  reportHistories,
  httpRequests,
  streamBytes,
  streamLines,
  channelAnswers,
  kubernetesAnswers,
  controls,
  marksOfNodes,
  durationTexts,
  instantTexts,
  scheduleTexts,
  versionTexts,
  selectors,
  limits,
  policyObjects,
  policyYaml,
  options,
  kubeconfigs,
  certificates,
];
