import type { StorePart } from '../../site/store/migrations.ts';

/** What healing keeps in the store of the site. */
export const HEALING_PART: StorePart = {
  name: 'healing',
  steps: [
    `create table healings (
       seq integer primary key,
       id text not null unique,
       subject text not null,
       hostname text not null,
       check_type text not null,
       rule_id text not null,
       settle_s integer not null,
       quiet_s integer not null,
       action text not null,
       params text not null,
       attempt integer not null,
       last integer not null,
       asked_by text,
       state text not null,
       dry_run integer not null,
       seen text not null,
       finding_id text,
       detected_s integer not null,
       acting_s integer,
       acted_s integer,
       claimed integer,
       output text,
       seen_again text,
       ended_s integer,
       reason text,
       told integer not null default 0
     ) strict;
     create index healings_by_check on healings (subject, check_type, seq);
     create index healings_open on healings (state) where state in ('detected', 'acting', 'verifying');
     create index healings_untold on healings (seq) where told = 0 and dry_run = 0;
     create table healing_stops (
       subject text not null,
       check_type text not null,
       hostname text not null,
       rule_id text not null,
       why text not null,
       since_s integer not null,
       last_bad_s integer not null,
       quiet_s integer not null,
       lifted_s integer,
       lifted_by text,
       primary key (subject, check_type)
     ) strict, without rowid;
     create table healing_switch (
       only_row integer primary key check (only_row = 1),
       mode text not null,
       reason text not null,
       by_whom text not null,
       at text not null
     ) strict;
     create table healing_rules (
       only_row integer primary key check (only_row = 1),
       envelope text not null,
       public_key text not null,
       taken_at text not null
     ) strict;`,
  ],
};
