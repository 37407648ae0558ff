import { type RawBuilder, sql } from 'kysely';
import type { Backend } from './make-tables.ts';

/*
 * Many values as one parameter. A statement for two hundred and fifty rows would otherwise have thousands of parameters, and another text
 * for each number of rows: putting it together and preparing it costs more than running it.
 */

/** For `where column in`: texts, none of them null. */
export function textList(backend: Backend, texts: readonly string[]): RawBuilder<string> {
  const json = JSON.stringify(texts);
  return backend === 'sqlite'
    ? sql`(select value from json_each(${json}))`
    : sql`(select json_array_elements_text(cast(${json} as json)))`;
}

/** Columns of rows with the kinds of their values, as in make-tables.ts. */
export type ColumnKinds<Row> = { readonly [Column in keyof Row & string]: 'text' | 'number' };

/**
 * The source of an `insert`: a select of rows in the order of `columns`.
 *
 * @param rows texts, whole numbers and null, as the tables have them
 */
export function rowSource<Row extends object>(
  backend: Backend,
  columns: ColumnKinds<Row>,
  rows: readonly Row[],
): RawBuilder<Row> {
  const names = Object.keys(columns) as (keyof Row & string)[];
  const json = JSON.stringify(rows.map((row) => names.map((name) => row[name])));
  const values = names.map((name, at) => {
    const value = sql`value ->> ${sql.lit(at)}`;
    return columns[name] === 'text' ? value : sql`cast(${value} as bigint)`;
  });
  const source =
    backend === 'sqlite'
      ? sql`json_each(${json})`
      : sql`json_array_elements(cast(${json} as json)) as each_row(value)`;
  // SQLite would read `on conflict` behind a bare source as a condition of a join (https://sqlite.org/lang_upsert.html, section 2.2).
  return sql`select ${sql.join(values)} from ${source} where true`;
}
