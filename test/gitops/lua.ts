/**
 * Runs a health script as Argo CD does: the object is the global `obj`, a table; what the script returns is the health.
 * Argo CD has Lua 5.1 and this is 5.4: the scripts keep to what is the same in both.
 */
import { LuaFactory } from 'wasmoon';

export interface Health {
  status: string;
  message?: string;
}

const factory = new LuaFactory();

/** @throws Error with the line of the script that fails. */
export async function healthOf(script: string, object: object): Promise<Health> {
  // Without the proxy an object becomes a table of its own.
  const lua = await factory.createEngine({ enableProxy: false });
  try {
    lua.global.set('obj', withoutNulls(object));
    return (await lua.doString(script)) as Health;
  } finally {
    lua.global.close();
  }
}

/** A null of JSON is nil in Lua: not there. */
const withoutNulls = (object: object): unknown =>
  JSON.parse(JSON.stringify(object), (_key, value: unknown) => value ?? undefined);
