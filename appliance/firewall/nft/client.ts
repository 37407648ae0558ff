import { BulkheadError } from '../../../base/errors.ts';
import type { CommandResult, Run } from '../../../base/run.ts';
import { NFT_TIMEOUT_MS } from '../limits.ts';
import { removeTable, replaceTable } from './build.ts';
import { type CanonicalTable, canonicalTable, isObject } from './canonical.ts';
import type { JsonValue, TableDefinition, TableName } from './types.ts';

/**
 * nftables through the program `nft`. Every call names one table; the rule set is never flushed, so tables of other programs stay.
 * Needs CAP_NET_ADMIN in the network namespace it acts on.
 */
export interface NftClient {
  /**
   * Asks nft and the kernel whether a replacement would be taken, without doing it.
   * @throws BulkheadError NFT_REFUSED with the words of nft; NFT_NOT_PERMITTED; what `run` throws
   */
  check(table: TableDefinition): Promise<void>;
  /**
   * Replaces a table in one atomic transaction: all of it or nothing, no packet passes between.
   * @throws as `check`
   */
  replace(table: TableDefinition): Promise<void>;
  /** Removes a table; fine when there is none. @throws as `check` */
  remove(table: TableName): Promise<void>;
  /**
   * What the kernel has, in canonical form; null when there is no such table.
   * @throws BulkheadError NFT_LIST_FAILED, NFT_OUTPUT_INVALID, NFT_NOT_PERMITTED
   */
  read(table: TableName): Promise<CanonicalTable | null>;
}

export function nftClient(run: Run): NftClient {
  const nft = (args: string[], input?: string) =>
    run('nft', ['-j', ...args], { timeout_ms: NFT_TIMEOUT_MS, ...(input === undefined ? {} : { input }) });
  const transact = async (args: string[], what: string, transaction: string) => {
    const result = await nft([...args, '-f', '-'], transaction);
    if (result.code !== 0) throw refusal(result, 'NFT_REFUSED', what);
  };
  const list = async (args: string[]) => {
    const result = await nft(['list', ...args]);
    return { result, what: `nft -j list ${args.join(' ')}` };
  };
  return {
    check: (table) => transact(['-c'], `checking ${nameOf(table)}`, replaceTable(table)),
    replace: (table) => transact([], `loading ${nameOf(table)}`, replaceTable(table)),
    remove: (table) => transact([], `removing ${nameOf(table)}`, removeTable(table)),
    async read(table) {
      const listed = await list(['table', table.family, table.name]);
      if (listed.result.code === 0) {
        return canonicalTable(parseListing(listed.result.stdout, listed.what), table);
      }
      // nft says "No such file or directory" for a missing table as for other things: ask which tables there are.
      const tables = await list(['tables']);
      if (tables.result.code !== 0) throw refusal(tables.result, 'NFT_LIST_FAILED', tables.what);
      const exists = parseListing(tables.result.stdout, tables.what).some((object) => names(object, table));
      if (exists) throw refusal(listed.result, 'NFT_LIST_FAILED', listed.what);
      return null;
    },
  };
}

/** @throws BulkheadError NFT_OUTPUT_INVALID unless the text is `{"nftables": [...]}` */
function parseListing(text: string, what: string): JsonValue[] {
  let parsed: JsonValue;
  try {
    parsed = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new BulkheadError('NFT_OUTPUT_INVALID', `${what} printed something that is not JSON`, { cause });
  }
  const { nftables } = isObject(parsed) ? parsed : {};
  if (Array.isArray(nftables)) return nftables;
  throw new BulkheadError('NFT_OUTPUT_INVALID', `${what} printed JSON without a list 'nftables'`);
}

function names(object: JsonValue, table: TableName): boolean {
  const [kind, body] = (isObject(object) ? Object.entries(object)[0] : undefined) ?? [];
  if (kind !== 'table' || !isObject(body)) return false;
  const { family, name } = body;
  return family === table.family && name === table.name;
}

function refusal(result: CommandResult, code: string, what: string): BulkheadError {
  const words = (result.stderr.trim() || result.stdout.trim()).replaceAll(/\s*\n\s*/g, '; ').slice(0, 1000);
  if (/operation not permitted/i.test(words)) {
    return new BulkheadError('NFT_NOT_PERMITTED', `${what}: the kernel does not permit it`, {
      hint: 'run this as root: filtering needs CAP_NET_ADMIN',
    });
  }
  const ended = result.code === null ? 'was killed by a signal' : `ended with ${result.code}`;
  return new BulkheadError(code, `${what}: nft ${ended}${words === '' ? '' : `: ${words}`}`);
}

function nameOf(table: TableName): string {
  return `table ${table.family} ${table.name}`;
}
