-- Returns the last id of a stream, which is created if it does not exist, with an entry that is only a
-- position. The id comes after a plus if the topic is finished.
local stream, drawn = KEYS[1], ARGV[1]
local id = last_id(stream)
if not id then
    id = id_after('0-0', drawn) .. '0000'
    redis.call('XADD', stream, id, 'p', '0-0')
    redis.call('PEXPIRE', stream, forget_after)
else
    local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', '1')[1]
    if last and last[2][5] == 'f' then id = '+' .. id end
end
return id
