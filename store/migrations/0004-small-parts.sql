-- What comes in, and what is merged of it first, is one file for all columns: a file for each costs a flush each.
ALTER TABLE events {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 268435456;
ALTER TABLE findings {{on_cluster}} MODIFY SETTING min_bytes_for_wide_part = 268435456;
