-- A comment and the event about it, in one transaction of the site's own: either both are there or neither.
-- The role may do nothing else in Hearback's tables; see docs/sql.md for how it is made.
BEGIN;

CREATE TABLE IF NOT EXISTS blog.comment (id TEXT PRIMARY KEY, page TEXT NOT NULL, body TEXT NOT NULL);
INSERT INTO blog.comment (id, page, body) VALUES ('c-1', 'post-7', 'Who winds them, with SQL?');

INSERT INTO hearback_inbox (site, payload) VALUES ('blog', json_build_object(
    'id', 'c-1-published',
    'type', 'comment.published',
    'time', now(),
    'thread', json_build_object('id', 'post-7', 'url', 'https://blog.example.org/7', 'title', 'On clocks'),
    'comment', json_build_object('id', 'c-1', 'text', 'Who winds them, with SQL?'),
    'author', json_build_object('id', 'u-2', 'name', 'Patrick'))::text);

COMMIT;
