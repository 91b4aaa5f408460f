-- Tries all commands that scripts and the engine use, on keys and a channel of a topic with no name, which is
-- never used, so that nothing changes. The answer is a list of the errors.
local stream, key, loss = KEYS[1], KEYS[2], KEYS[3]
local errors = {}
local function try(...)
    local answer = redis.pcall(...)
    if type(answer) == 'table' and answer.err then
        errors[#errors + 1] = select(1, ...) .. ': ' .. answer.err
    end
end
try('TIME')
try('EXISTS', stream)
try('XINFO', 'STREAM', stream)
try('XRANGE', stream, '-', '+', 'COUNT', '1')
try('XREVRANGE', stream, '+', '-', 'COUNT', '1')
try('XADD', stream, 'NOMKSTREAM', '1-1', 'p', '0-0')
try('XTRIM', stream, 'MAXLEN', '~', '1')
try('PEXPIRE', stream, '1')
try('GET', key)
try('SET', key, '', 'XX', 'PX', '1')
try('GET', loss)
try('SET', loss, '', 'XX', 'PX', '1')
try('PUBLISH', database .. ':' .. stream, '')
return errors
