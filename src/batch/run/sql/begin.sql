-- Begins a batch's transaction. Fixed formats of times let other sessions compare them as text. The default search_path lets
-- triggers and checks of the hub's tables find unqualified names as they do for the hub.
BEGIN; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL lock_timeout = '15s';
SET LOCAL search_path TO DEFAULT
