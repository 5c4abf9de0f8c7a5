'use strict';
// `brupop agent` loads the agent's bundle and nothing else, so that it stays small on every node; anything else is a
// command of the operator. Both find their arguments where they are when they are started by themselves.
const { join } = require('node:path');
const agent = process.argv[2] === 'agent';
const program = join(__dirname, agent ? 'agent.cjs' : 'brupop.cjs');
process.argv.splice(1, agent ? 2 : 1, program);
require(program);
