-- Whether the lock could be taken: SET with XX writes nothing where there is no key, but is refused where a write would be.
if not redis.call('GET', KEYS[1]) then
  redis.call('SET', KEYS[1], '', 'XX', 'PX', '1000')
end
return 1
