import type { Start } from './trial.ts';

/** Starts a program that shares this one's console and journal; it is no more of a service than this one is. */
export const spawnProgram: Start = (program, args, more) => {
  const child = Bun.spawn([program, ...args], {
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...process.env, ...more },
  });
  return { exited: child.exited, kill: (signal) => child.kill(signal) };
};
