import { describe, expect, test } from 'vitest';
import { formatReference } from '../reference.ts';
import { HELP, parseCommand, type Options } from './options.ts';

function parsed(...argv: string[]): Options {
  const command = parseCommand(argv, '1.2.3');
  if (command.does !== 'make') throw new Error(`It does ${command.does}`);
  return command.options;
}

describe('without options', () => {
  test('both platforms go into an archive that is called after the version', () => {
    const { name, platforms, ...rest } = parsed();
    expect(formatReference(name)).toBe('docker.io/library/brupop:v1.2.3');
    expect(platforms.map((each) => each.name)).toEqual(['linux/amd64', 'linux/arm64']);
    expect(rest).toEqual({ output: 'dist/brupop-image.tar' });
  });
});

describe('options', () => {
  test('choose platforms, in whatever order', () => {
    const both = parsed('--platform', 'linux/arm64,linux/amd64').platforms;
    expect(both).toEqual(parsed('--platform', 'linux/amd64', '--platform', 'linux/arm64').platforms);
    expect(parsed('--platform', 'linux/arm64').platforms.map((each) => each.name)).toEqual(['linux/arm64']);
  });

  test('that push need no file; a name without a tag gets that of the version', () => {
    const { push, output } = parsed('--push', 'registry.example.com/brupop');
    expect([push?.tag, output]).toEqual(['v1.2.3', undefined]);
    expect(parsed('--push', 'registry.example.com/brupop:x', '--output', 'a').push?.tag).toBe('x');
  });

  test.each([
    [['--platform', 'linux/riscv64'], /no image for linux\/riscv64, only for linux\/amd64, linux\/arm64/],
    [['--push', 'registry.example.com/Brupop'], /no name of an image/],
    [['--push', `registry.example.com/a@sha256:${'0'.repeat(64)}`], /has a digest, which is what comes out/],
    [['--nonsense'], /--nonsense.*npm run image -- --help/s],
    [['image.tar'], /image\.tar/],
  ])('%j are refused', (argv, message) => {
    expect(() => parseCommand(argv, '1.2.3')).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => parseCommand(argv, '1.2.3')).toThrow(message);
  });

  test('are all in the help', () => {
    for (const option of [
      'output',
      'push',
      'tag',
      'platform',
      'base',
      'sbom',
      'source',
      'update-lock',
      'help',
    ]) {
      expect(HELP).toContain(`\n  --${option}`);
    }
    expect(parseCommand(['-h'], '1').does).toBe('help');
    expect(parseCommand(['--update-lock'], '1').does).toBe('update-lock');
  });
});
