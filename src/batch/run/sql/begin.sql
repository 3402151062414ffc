-- Times are compared as text later, in another session too.
BEGIN; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL lock_timeout = '15s'
