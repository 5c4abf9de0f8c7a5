/** Names that are part of the API: group, namespace, labels, annotations, finalizers. */
export const GROUP = 'brupop.bottlerocket.aws';
/** The namespace everything of the operator lives in; Brupop's own. */
export const NAMESPACE = 'brupop-bottlerocket-aws';
export const AGENT_SERVICE_ACCOUNT = 'brupop-agent';
export const CONTROLLER_SERVICE_ACCOUNT = 'brupop-controller';
export const APISERVER_SERVICE_ACCOUNT = 'brupop-apiserver';
export const APISERVER_SERVICE = 'brupop-apiserver';
/** Audience of the agents' projected ServiceAccount tokens. */
export const TOKEN_AUDIENCE = 'brupop-apiserver';

/** Node label that selects the hosts to manage; Brupop's own. */
export const INTERFACE_VERSION_LABEL = 'bottlerocket.aws/updater-interface-version';
export const INTERFACE_VERSION = '2.0.0';
/** What `status.nodeInfo.osImage` of a Bottlerocket node starts with. */
export const OS_IMAGE_PREFIX = 'Bottlerocket OS';

/** On a shadow while an attempt on it is in the ledger. */
export const IN_FLIGHT_FINALIZER = `${GROUP}/in-flight`;
/** On a policy from before its first slot until its last node is back. */
export const POLICY_FINALIZER = `${GROUP}/rollout`;
/** On the controller's own ServiceAccount, ClusterRole and ClusterRoleBinding (design 5). */
export const UNINSTALL_FINALIZER = `${GROUP}/uninstall`;

/** Node annotation in which every mark of ours is recorded with what was there before. */
export const MARKS_ANNOTATION = `${GROUP}/marks`;

/** Written by people on Nodes. */
export const EXCLUDE_ANNOTATION = `${GROUP}/exclude`;
export const RUN_NOW_ANNOTATION = `${GROUP}/run-now`;
export const RETRY_ANNOTATION = `${GROUP}/retry`;
/** Written by people on policies. */
export const RESUME_ANNOTATION = `${GROUP}/resume`;

/** Name of the shadow of a node. */
export const shadowName = (node: string): string => `brs-${node}`;

/** Secret with the keys of the certificate authorities; only the controller reads it. */
export const CA_KEY_SECRET = 'brupop-ca-key';
/** Secret, type kubernetes.io/tls, with the API server's certificate and key. */
export const SERVING_SECRET = 'brupop-apiserver-tls';
/** ConfigMap that agents mount: the authorities to trust, under `CA_BUNDLE_KEY`. */
export const CA_BUNDLE_CONFIGMAP = 'brupop-ca';
export const CA_BUNDLE_KEY = 'ca.crt';
