-- Appends the mark of a loss and publishes it, unless a mark tells of the loss already: one after the known entry
-- before the loss, or after the lost id, or of the same loss. The second key remembers the id of the topic's newest
-- mark, and up to where its loss was, for all nodes that find a loss. Without a known entry before the loss, no
-- mark is needed if nothing older than the lost id is left, as all older positions are unknown then.
--
-- The answer is the id of the mark that tells of the loss; nothing if none is needed.
local stream, key = KEYS[1], KEYS[2]
local drawn, kept, lost = ARGV[1], ARGV[2], ARGV[3]

local newest, newest_lost = string.match(redis.call('GET', key) or '', '(%S+) (%S+)')
-- Whether the stream has the newest mark, after an id.
local function is_marked_after(id)
    local entry = newest and redis.call('XREVRANGE', stream, newest, '(' .. id, 'COUNT', 1)[1]
    return entry and entry[1] == newest
end
if is_marked_after(kept ~= '' and kept or lost) then return newest end
if newest_lost == lost and is_marked_after('0-0') then return newest end

local is_left
if kept ~= '' then
    is_left = redis.call('EXISTS', stream) == 1
else
    is_left = redis.call('XRANGE', stream, '-', '(' .. lost, 'COUNT', 1)[1]
end
if not is_left then return '' end

local function is_less(id, other)
    local time, number = string.match(id, '(%d+)-(%d+)')
    local other_time, other_number = string.match(other, '(%d+)-(%d+)')
    if time ~= other_time then return tonumber(time) < tonumber(other_time) end
    if #number ~= #other_number then return #number < #other_number end
    return number < other_number
end

local previous = last_id(stream)
-- Greater than the lost id as well, although the clock may be behind: so the mark tells of all that was lost before
-- that, whichever node finds it.
local greatest = is_less(previous, lost) and lost or previous
local id = id_after(greatest, drawn) .. '0000'
local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', '1')[1]
if last and last[2][5] == 'f' then
    -- What follows the end shows that the topic is finished.
    redis.call('XADD', stream, id, 'p', previous, 'l', lost, 'f', '')
else
    redis.call('XADD', stream, id, 'p', previous, 'l', lost)
end
redis.call('SET', key, id .. ' ' .. lost, 'PX', forget_after)
redis.call('PUBLISH', database .. ':' .. stream, previous .. ' ' .. id .. ' l\n')
return id
