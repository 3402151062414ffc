-- Takes the lock if it is free, renews it if it is ours, replaces it if its holder is dead.
-- ARGV: our value, its life in ms, a dead holder's value or "". Returns another's value, or nil when the lock is ours.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return false
end
local value = redis.call('GET', KEYS[1])
if value == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return false
end
if value == ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return false
end
return value
