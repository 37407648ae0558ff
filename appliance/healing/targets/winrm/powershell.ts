import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../../../base/errors.ts';
import { WINRM_COMMAND_MAX_CHARS } from '../limits.ts';
import { plainText } from '../outcome.ts';

export const POWERSHELL = 'powershell.exe';
const OPTIONS = ['-NoLogo', '-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-EncodedCommand'];
const PRELUDE =
  "$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue';try{[Console]::OutputEncoding=[Text.Encoding]::UTF8}catch{$e=$_};";

/**
 * Arguments that run a script of ours (about_PowerShell_exe): encoded, so neither cmd.exe nor PowerShell's own line sees a quote.
 *
 * @throws BulkheadError TARGET_SCRIPT_TOO_LONG beyond what cmd.exe takes
 */
export function powershellArguments(script: string): string[] {
  const args = [...OPTIONS, Buffer.from(PRELUDE + script, 'utf16le').toString('base64')];
  if ([POWERSHELL, ...args].join(' ').length > WINRM_COMMAND_MAX_CHARS)
    throw new BulkheadError(
      'TARGET_SCRIPT_TOO_LONG',
      `a script of ${script.length} characters fits in no command line`,
    );
  return args;
}

/** A script that looks: its body gives one hashtable, which comes back as JSON; what it throws comes back as words. */
export function checkScript(body: string): string {
  return (
    `$b={${body}};try{$o=@{ok=$true;value=(& $b)}}catch{$o=@{ok=$false;error=[string]$_.Exception.Message}};` +
    '[Console]::Out.Write((ConvertTo-Json $o -Compress -Depth 5))'
  );
}

/** A script that does something; it ends with 0 only when nothing was thrown. */
export function actionScript(body: string): string {
  return `$b={${body}};try{& $b|Out-String -Width 200|Write-Output;exit 0}catch{[Console]::Error.Write([string]$_.Exception.Message);exit 1}`;
}

/**
 * The value of a check's answer, held to its schema.
 *
 * @throws BulkheadError TARGET_ANSWER_INVALID; TARGET_CHECK_UNANSWERED with the machine's own words
 */
export function readJsonAnswer<S extends TSchema>(stdout: string, schema: S, check: string): Static<S> {
  let answer: unknown;
  try {
    answer = JSON.parse(stdout.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new BulkheadError('TARGET_ANSWER_INVALID', `the answer to '${check}' is no JSON`, { cause });
  }
  const { ok, error, value, ...more } = (typeof answer === 'object' && answer ? answer : {}) as Record<
    string,
    unknown
  >;
  if (ok === false && typeof error === 'string')
    throw new BulkheadError(
      'TARGET_CHECK_UNANSWERED',
      `nothing is known about '${check}': ${plainText(error)}`,
    );
  if (ok === true && Object.keys(more).length === 0 && error === undefined && Value.Check(schema, value))
    return value;
  const first = Value.Errors(schema, value).First();
  throw new BulkheadError(
    'TARGET_ANSWER_INVALID',
    `the answer to '${check}' is not as it should be: ${first?.path || '/'}: ${first?.message ?? 'invalid'}`,
  );
}

/**
 * One word for PowerShell (about_Quoting_Rules). It takes typographic quotes for quotes, so only ASCII gets through.
 *
 * @throws BulkheadError TARGET_VALUE_UNSAFE
 */
export function powershellQuote(value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  throw new BulkheadError(
    'TARGET_VALUE_UNSAFE',
    'a value holds more than printable ASCII, and goes into no script',
  );
}
