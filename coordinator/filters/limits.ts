/** Filters of one person: more are a list that nobody finds anything in. */
export const FILTERS_MAX = 50;
