import { ANSWER_BEGIN, ANSWER_END } from './answer.ts';

/** What every script begins with. Programs of the administrator are not in everybody's PATH; root's work is done as root. */
const PRELUDE = `LC_ALL=C; export LC_ALL
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -- "$@"; fi; }
has() { command -v "$1" >/dev/null 2>&1; }
`;

/**
 * A script that looks. The body is a function, so that the shell has read all of it before a program in it could read from the same
 * standard input; what it prints is brought down to lines of plain text.
 */
export function checkScript(body: string): string {
  return `${PRELUDE}look() {
${body}
}
echo ${ANSWER_BEGIN}
look </dev/null 2>/dev/null | tr -cd '\\012\\040-\\176' | cut -c1-220
echo ${ANSWER_END}
`;
}

/** A script that does something; its exit status is that of the body, and what it prints is kept. */
export function actionScript(body: string): string {
  return `${PRELUDE}act() {
${body}
}
act </dev/null
`;
}
