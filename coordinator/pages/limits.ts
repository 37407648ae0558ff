/** Limits of the page, each with its reason. */

/** Fields of a form that brings files: notes of a release and a few lines. */
export const FORM_FIELDS_MAX_BYTES = 64 * 1024;

/** What stands before one part of a form: a name, and the name of a file. */
export const FORM_PART_HEAD_MAX_BYTES = 8 * 1024;

/** Appliances of a cohort that are shown by name while a rollout is drawn up: enough to see whether the query means the right ones. */
export const COHORT_SHOWN = 10;

/** Appliances of a rollout on one page. */
export const MEMBERS_PAGE = 50;

/** A file of key sets: what the API takes at the same place. */
export const KEYSET_FILE_MAX_BYTES = 64 * 1024;
