#!/usr/bin/env node
// Starts the program of the package that npm installed for this kind of machine.
const { spawnSync } = require('node:child_process');
const { constants } = require('node:os');

const machine = `${process.platform}-${process.arch}`;
const suffix = process.platform === 'win32' ? '.exe' : '';
let program;
try {
  program = require.resolve(`keysweep-${machine}/bin/keysweep${suffix}`);
} catch {
  console.error(
    `keysweep: there is no program for ${machine}; was it installed with --omit=optional?\n` +
      '  hint: install it again without that, or from source with cargo',
  );
  process.exit(2);
}
const run = spawnSync(program, process.argv.slice(2), { stdio: 'inherit' });
if (run.error) {
  console.error(`keysweep: ${program} could not be started: ${run.error.message}`);
  process.exit(2);
}
process.exit(run.status ?? 128 + (constants.signals[run.signal] ?? 0));
