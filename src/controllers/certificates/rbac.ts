/** What keeping the certificates needs; part of the controller's role. */
import { CA_BUNDLE_CONFIGMAP, CA_KEY_SECRET, SERVING_SECRET } from '../../api/names.ts';
import type { PolicyRule } from '../../api/rbac.ts';

/** Rules in the operator's namespace. */
export const certificateRules: readonly PolicyRule[] = [
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get', 'patch'],
    resourceNames: [CA_KEY_SECRET, SERVING_SECRET],
    why: "Keeps the authority and the API server's certificate; no other Secret can be read.",
  },
  {
    apiGroups: [''],
    resources: ['configmaps'],
    verbs: ['get', 'patch'],
    resourceNames: [CA_BUNDLE_CONFIGMAP],
    why: 'Publishes the authorities that agents trust.',
  },
  {
    apiGroups: [''],
    resources: ['secrets', 'configmaps'],
    verbs: ['create'],
    why: 'Makes those three objects; creation cannot be limited to names.',
  },
];
