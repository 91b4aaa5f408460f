-- Returns the last id that a stream has given, if it has no entries left; false if there is no such
-- stream.
local function last_id(stream)
    if redis.call('EXISTS', stream) == 0 then return false end
    local info = redis.call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then return info[i + 1] end
    end
    return false
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- The same as a text: all times from 2001 to 2286 have as many digits.
local now_text = string.format('%.0f', now)

-- Returns the id of the entry after a previous one, without the last four digits of its number, which
-- count the entries of a call. The rest of the number is what was drawn for the call. While the time
-- is not later than that of the previous entry, its time is kept, and what was drawn is added to its
-- number. So ids grow even if the clock does not, and two histories of a stream share no id: be it
-- wiped, restored, or continued by a replica that lacks its end, with whatever clock.
local function id_after(previous, drawn)
    local before, number = string.match(previous, '(%d+)-(%d+)')
    before = tonumber(before)
    if now > before then return now_text .. '-' .. drawn end
    local sum = drawn + (tonumber(string.sub(number, 1, -5)) or 0)
    if sum <= 1844674407370954 then return string.format('%.0f-%.0f', before, sum) end
    return string.format('%.0f-%s', before + 1, drawn)
end
