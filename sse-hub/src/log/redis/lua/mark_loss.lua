-- Appends the mark of a loss and publishes it. The second key remembers that, for all nodes that find
-- the same loss. Without a known entry before the loss, nothing is appended if nothing older than the
-- lost id is left, as all older positions are unknown then.
local stream, key = KEYS[1], KEYS[2]
local drawn, is_known, lost = ARGV[1], ARGV[2], ARGV[3]
local is_left
if is_known == '1' then
    is_left = redis.call('EXISTS', stream) == 1
else
    is_left = redis.call('XRANGE', stream, '-', '(' .. lost, 'COUNT', 1)[1]
end
if not is_left or redis.call('GET', key) then return '' end
local previous = last_id(stream)
local id = id_after(previous, drawn) .. '0000'
redis.call('XADD', stream, id, 'p', previous, 'l', lost)
redis.call('SET', key, id, 'PX', forget_after)
redis.call('PUBLISH', database .. ':' .. stream, previous .. ' ' .. id .. ' l\n')
return id
