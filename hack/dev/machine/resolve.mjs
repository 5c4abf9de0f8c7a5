/**
 * Loaded before a process of the operator: the name service of the development cluster. `BRUPOP_DEV_SERVICES` holds
 * the names of Services that are reached on loopback; all others are resolved as usual.
 */
import dns from 'node:dns';

const services = new Set((process.env.BRUPOP_DEV_SERVICES ?? '').split(','));
const { lookup } = dns;

dns.lookup = (name, options, callback) => {
  if (!services.has(name)) return lookup(name, options, callback);
  const done = callback ?? options;
  const address = '127.0.0.1';
  const all = typeof options === 'object' && options.all === true;
  return process.nextTick(() => (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)));
};
