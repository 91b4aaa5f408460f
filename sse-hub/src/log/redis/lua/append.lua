-- Appends entries to streams, and publishes those of each stream to all nodes, in one message.
--
-- KEYS: the streams, then the idempotency keys. ARGV: what was drawn; the number of streams; and for
-- each stream the newest id that the node knows of it, or nothing; the number of its entries; and the
-- entries. If some have a key or end the topic, the number is negative, and each has a digit before it: 1 if it has
-- a key, 2 if it ends the topic, 3 if both, and 0 if neither.
--
-- The answer has for each stream the id of its first entry, whose number counts up for the others; or a
-- list with an id for each entry. An answer or id that begins with a minus is an error, and an id after a plus is that
-- of the entry that ends the topic. The node must not send that as the newest id that it knows: an entry that is
-- looked up shows that nothing can follow it.
--
-- All calls that may fail are protected: what is done already must be in the answer.
local call = redis.pcall
local drawn, streams = ARGV[1], tonumber(ARGV[2])
local usual_base = now_text .. '-' .. drawn
-- Old entries are discarded a few times in each maximal age rather than each time, and the expiry of the
-- whole stream is extended as often: when the previous entry is of an earlier interval.
local interval_text = string.format('%.0f', now - now % interval)
-- And those that are too many, once for about this many entries.
local trim_every = 64
local until_trim = tonumber(string.sub(drawn, -6)) % trim_every

-- Returns the id of the last entry of a stream, if it is not the one that is known, an error, and whether the entry
-- is the end of the topic, or comes after that.
local function last_entry(stream, known)
    local from = '-'
    if known ~= '' then from = '(' .. known end
    local last = call('XREVRANGE', stream, '+', from, 'COUNT', '1')
    if last.err then return nil, last.err end
    if not last[1] then return end
    return last[1][1], nil, last[1][2][5] == 'f'
end

local function is_error(answer) return type(answer) == 'table' and answer.err end

local function publish(stream, message)
    local published = call('PUBLISH', database .. ':' .. stream, message)
    if is_error(published) then return '-' .. published.err end
end

local function trim(stream, previous, added)
    if until_trim < added then call('XTRIM', stream, 'MAXLEN', '~', max_events) end
    if previous < interval_text then
        call('XTRIM', stream, 'MINID', '~', string.format('%.0f', math.max(now - max_age, 0)))
        call('PEXPIRE', stream, forget_after)
    end
end

local arg, key_index = 3, streams

-- Appends the next entries to a stream, and returns the answer.
local function append(stream, previous, exists, failure, is_finished, count, has_flags)
    local first, base, last, message
    local added, lens, events = 0, nil, nil
    local ids = (count > 1 and has_flags) and {} or nil
    local answer, ends
    for number = 1, count do
        local key, is_last
        if has_flags then
            local flags = ARGV[arg]
            if flags == '1' or flags == '3' then
                key_index = key_index + 1
                key = KEYS[key_index]
            end
            is_last = flags == '2' or flags == '3'
            arg = arg + 1
        end
        local event = ARGV[arg]
        arg = arg + 1
        local id = key and not failure and call('GET', key)
        local error = failure or is_error(id)
        if is_finished and not id then error = error or 'FINISHED' end
        if not id and not error then
            if not base then
                base = usual_base
                -- As texts: an earlier one with as many digits is less.
                if previous >= now_text or string.byte(previous, 14) ~= 45 then
                    base = id_after(previous, drawn)
                end
            end
            id = base .. (added == 0 and '0000' or string.format('%04d', added))
            local done
            if exists then
                if is_last then
                    done = call('XADD', stream, exists, id, 'p', previous, 'e', event, 'f', '')
                else
                    done = call('XADD', stream, exists, id, 'p', previous, 'e', event)
                end
                exists = nil
                -- Otherwise, the stream has vanished.
                if not done then previous = '0-0' end
            end
            if not done then
                if is_last then
                    done = call('XADD', stream, id, 'p', last or previous, 'e', event, 'f', '')
                else
                    done = call('XADD', stream, id, 'p', last or previous, 'e', event)
                end
            end
            error = is_error(done)
            if not error then
                first, last, added = first or id, id, added + 1
                if is_last then
                    is_finished, ends = true, true
                    id = '+' .. id
                end
                if key then call('SET', key, id, 'PX', key_age) end
                if added == 1 then
                    message = event
                else
                    if added == 2 then lens, events = {}, { message } end
                    lens[added - 1] = #events[added - 1]
                    events[added] = event
                end
            end
        end
        if error then id = '-' .. error end
        if number == 1 then answer = id end
        if not ids and error and count > 1 then
            -- Those before it were appended without one.
            ids = {}
            for before = 1, number - 1 do
                ids[before] = base .. string.format('%04d', before - 1)
            end
        end
        if ids then ids[number] = id end
    end

    if added > 0 then
        local line = previous .. ' ' .. first
        if ends and added == 1 then line = line .. ' f' end
        if added > 1 then
            line = line .. ' ' .. table.concat(lens, ' ') .. (ends and ' f' or '')
            message = table.concat(events)
        end
        local error = publish(stream, line .. '\n' .. message)
        if error then ids, answer = nil, error end
        trim(stream, previous, added)
        -- The name can be used anew when the end is too old.
        if ends then call('PEXPIRE', stream, max_age) end
    end
    return ids or answer
end

local answers = {}
for index = 1, streams do
    local stream, known, count = KEYS[index], ARGV[arg], tonumber(ARGV[arg + 1])
    arg = arg + 2

    -- The predecessor. Without a newer entry it is the one that the node knows, if there is a stream.
    local previous, failure, is_finished = last_entry(stream, known)
    local exists
    if not previous and not failure then
        if known ~= '' then
            previous, exists = known, 'NOMKSTREAM'
        else
            previous = last_id(stream) or '0-0'
        end
    end

    -- The usual case, in short, as the rest takes a third more time.
    local is_done
    if exists and count == 1 and previous < now_text then
        local id, event = usual_base .. '0000', ARGV[arg]
        local done = call('XADD', stream, exists, id, 'p', previous, 'e', event)
        if done and not done.err then
            arg = arg + 1
            answers[index] = publish(stream, previous .. ' ' .. id .. '\n' .. event) or id
            trim(stream, previous, 1)
            is_done = true
        end
    end
    if not is_done then
        local has_flags = count < 0
        if has_flags then count = -count end
        answers[index] = append(stream, previous, exists, failure, is_finished, count, has_flags)
    end
end
return answers
