-- Login sessions that somebody signed out of, for every instance, until they would have expired (auth/auth.h).

CREATE TABLE cch_data.ended_sessions (
  id bigint PRIMARY KEY, -- random, in the session's cookie
  expires_at timestamptz NOT NULL
);
