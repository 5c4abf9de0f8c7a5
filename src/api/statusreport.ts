/** The schema of an agent's report, derived from the one of the CRD; the API server validates with it. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Nullable, StringEnum } from './schema.ts';
import { HostReport, STATES } from './v2/bottlerocketshadow.ts';

const { uid: _uid, seq: _seq, generation: _generation, ...hostProperties } = HostReport.properties;

/** `status.host` without what a report says beside it; absent keys are recorded as null. */
export const WireHost = Type.Object(hostProperties, { description: 'What the agent knows of its host.' });

/** What an agent PUTs: the whole of its part of the status, every time. Unknown keys are dropped. */
export const StatusReport = Type.Object(
  {
    uid: Type.String({ minLength: 1, maxLength: 64, description: 'UID of the shadow it was made for.' }),
    generation: Type.Integer({
      minimum: 0,
      description: 'Generation of the shadow that the agent had seen.',
    }),
    seq: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'One more than the last recorded `status.host.seq`.',
    }),
    current_state: StringEnum(STATES, { description: 'The state the host is in.' }),
    current_version: Nullable(
      Type.String({ maxLength: 64, description: 'The version that runs; null when the host did not say.' }),
    ),
    target_version: Nullable(
      Type.String({ maxLength: 64, description: 'The version the host would choose now.' }),
    ),
    host: WireHost,
  },
  { description: "An agent's report: the whole of its part of the status." },
);

export type WireHost = Static<typeof WireHost>;
export type StatusReport = Static<typeof StatusReport>;
