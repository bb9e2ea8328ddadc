-- A question about one person reads a granule of almost every column, from each part: with a file for each column
-- most of its time goes into opening them.
ALTER TABLE person_property_history MODIFY SETTING min_bytes_for_wide_part = 1099511627776;
