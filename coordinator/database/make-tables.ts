import type { ColumnDataType, Kysely } from 'kysely';

export type Backend = 'sqlite' | 'postgres';

/** Name, type and whether it may be absent. `key`: part of the primary key. */
type Column = `${string} ${'text' | 'number'}${'' | ' null' | ' key'}`;

/** Tables with their columns. */
export type TableMap = Readonly<Record<string, readonly Column[]>>;

/** Table, columns, and whether two rows may be the same in them. */
export type IndexMap = readonly [table: string, columns: string[], kind?: 'unique'][];

/** Makes tables and indexes that mean the same on both databases. */
export async function makeTables(
  database: Kysely<unknown>,
  backend: Backend,
  tables: TableMap,
  indexes: IndexMap,
): Promise<void> {
  for (const [table, columns] of Object.entries(tables)) {
    const parts = columns.map((column) => column.split(' ') as [string, string, string?]);
    const keys = parts.filter(([, , kind]) => kind === 'key').map(([name]) => name);
    let creation = database.schema.createTable(table);
    for (const [name, type, kind] of parts)
      creation = creation.addColumn(name, columnType(type, backend), (made) =>
        kind === 'null' ? made : made.notNull(),
      );
    await creation.addPrimaryKeyConstraint(`${table}_key`, keys as never).execute();
  }
  for (const [table, columns, kind] of indexes) {
    const creation = database.schema
      .createIndex([table, ...columns].join('_'))
      .on(table)
      .columns(columns);
    await (kind === 'unique' ? creation.unique() : creation).execute();
  }
}

function columnType(type: string, backend: Backend): ColumnDataType {
  if (type === 'text') return 'text';
  return backend === 'postgres' ? 'bigint' : 'integer';
}
