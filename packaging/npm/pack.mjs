#!/usr/bin/env node
// Puts built programs into npm packages: pack.mjs FOLDER TARGET=BINARY...
//
// One package for each kind of machine holds its program; `keysweep` names them all as optional and starts the
// one that npm installed. No install script runs and nothing is fetched behind npm's back.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const machines = {
  'x86_64-unknown-linux-musl': ['linux', 'x64'],
  'aarch64-unknown-linux-musl': ['linux', 'arm64'],
  'x86_64-apple-darwin': ['darwin', 'x64'],
  'aarch64-apple-darwin': ['darwin', 'arm64'],
  'x86_64-pc-windows-msvc': ['win32', 'x64'],
};

const manifest = readFileSync(join(root, 'Cargo.toml'), 'utf8');
const field = (key) => manifest.match(new RegExp(`^${key} = "(.*)"$`, 'm'))[1];
const common = { version: field('version'), description: field('description'), license: field('license') };

const [folder, ...programs] = process.argv.slice(2);
if (!folder || programs.length === 0) {
  console.error('usage: pack.mjs FOLDER TARGET=BINARY...');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });

function pack(description, files) {
  const stage = mkdtempSync(join(tmpdir(), 'keysweep-npm-'));
  for (const [name, source] of Object.entries({ LICENSE: join(root, 'LICENSE'), ...files })) {
    mkdirSync(dirname(join(stage, name)), { recursive: true });
    copyFileSync(source, join(stage, name));
    chmodSync(join(stage, name), name.startsWith('bin/') ? 0o755 : 0o644);
  }
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify({ ...common, ...description }, null, 2)}\n`);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', resolve(folder)], { cwd: stage, stdio: 'inherit' });
  rmSync(stage, { recursive: true });
}

for (const program of programs) {
  const [target, binary] = program.split('=');
  const machine = machines[target];
  if (!machine) {
    console.error(`no npm package is made for ${target}; it is one of ${Object.keys(machines).join(', ')}`);
    process.exit(2);
  }
  const [os, cpu] = machine;
  const name = os === 'win32' ? 'bin/keysweep.exe' : 'bin/keysweep';
  pack({ name: `keysweep-${os}-${cpu}`, os: [os], cpu: [cpu], files: ['bin'] }, { [name]: resolve(binary) });
}
const optionalDependencies = Object.fromEntries(
  Object.values(machines).map(([os, cpu]) => [`keysweep-${os}-${cpu}`, common.version]),
);
pack(
  { name: 'keysweep', bin: { keysweep: 'bin/keysweep.js' }, files: ['bin'], engines: { node: '>=18' }, optionalDependencies },
  { 'bin/keysweep.js': join(here, 'keysweep.js'), 'README.md': join(root, 'README.md') },
);
