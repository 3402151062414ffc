-- Times are compared as text later, in another session too. What triggers and checks of the hub's tables name without a schema is
-- found as for the hub.
BEGIN; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL lock_timeout = '15s';
SET LOCAL search_path TO DEFAULT
