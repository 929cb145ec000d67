-- A part of the usage log that a backup reads stays until it is done with it: everybody who comes after whoever waits for a
-- table waits as long, also those who write into the log. What is not forgotten now is with the next round.
ALTER FUNCTION forget_usage(bigint, bigint) SET lock_timeout = '100ms';
