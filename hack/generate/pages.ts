/** docs/reference: the words around the tables. */
import { BottlerocketShadowKind, UpdatePolicyKind } from '../../src/api/definitions.ts';
import {
  EXCLUDE_ANNOTATION,
  IN_FLIGHT_FINALIZER,
  MARKS_ANNOTATION,
  RESUME_ANNOTATION,
  RETRY_ANNOTATION,
  RUN_NOW_ANNOTATION,
} from '../../src/api/names.ts';
import { code, fenced, table } from './markdown.ts';
import { protocolPage } from './protocol.ts';
import { reasonsPage } from './reasons.ts';
import { referencePage } from './reference.ts';

const NOTATION = `Durations are written as in Go: \`90s\`, \`15m\`, \`1h30m\`. Times are RFC 3339: \`2026-12-20T00:00:00Z\`. A field
that is absent has its default; \`null\` means absent.`;

const EXAMPLE = `apiVersion: brupop.bottlerocket.aws/v1
kind: UpdatePolicy
metadata:
  name: workers
spec:
  nodeSelector:
    matchLabels: { role: worker }
  maxConcurrentUpdates: 1
  maintenanceWindows:
    - { schedule: '0 1 * * 6', duration: 6h, timeZone: Europe/Paris }
`;

const policy = () =>
  referencePage(UpdatePolicyKind, {
    before: [
      'Most policies need three fields:',
      fenced('yaml', EXAMPLE),
      'More to copy from is in [config/samples](../../config/samples). An editor that knows the YAML language server completes and checks a manifest that begins with',
      fenced('yaml', '# yaml-language-server: $schema=../../schemas/updatepolicy_v1.json'),
      NOTATION,
      'The API server refuses what breaks a rule on this page, with the path of the field and what to do. Three things only the controller can check: that a cron text, the name of a time zone and a version range make sense. Such a policy gets the condition `Valid=False` with the same words, and starts nothing.',
    ],
    after: [
      '## Annotations',
      'They are statements, not switches: the operator never removes them, so they may stay in Git, and to apply one again starts nothing twice.',
      table(
        ['On', 'Annotation', 'Value', 'Meaning'],
        [
          ['Node', code(EXCLUDE_ANNOTATION), '`"true"`', 'The node is never touched.'],
          [
            'Node',
            code(RUN_NOW_ANNOTATION),
            'time',
            'Until then the node needs no open maintenance window. Blackouts count no longer either.',
          ],
          [
            'Node',
            code(RETRY_ANNOTATION),
            'time',
            'Back-off and failures of this node from before that instant are forgotten.',
          ],
          [
            'UpdatePolicy',
            code(RESUME_ANNOTATION),
            'time',
            'A halt from before that instant is over. A value in the future is invalid.',
          ],
        ],
      ),
    ],
  });

const shadow = () =>
  referencePage(BottlerocketShadowKind, {
    before: [
      `There is one shadow a node, named ${code('brs-<node name>')} in the namespace of the operator, owned by its Node. The controller writes \`spec\`; the agent reports through the API server of the operator. The first fields have the names they have in Brupop 1.x, so that its objects, dashboards and scripts keep working.`,
      `While an attempt is in the ledger the shadow carries the finalizer ${code(IN_FLIGHT_FINALIZER)}. What the operator changed on the Node is recorded in the annotation ${code(MARKS_ANNOTATION)} of the Node, with what was there before.`,
      NOTATION,
    ],
    after: [],
  });

/** Files of docs/reference. */
export const referenceFiles = (): [string, string][] => [
  ['docs/reference/updatepolicy.md', policy()],
  ['docs/reference/bottlerocketshadow.md', shadow()],
  ['docs/reference/reasons.md', reasonsPage()],
  ['docs/reference/protocol.md', protocolPage()],
];
