#!/bin/sh
# A reader, a subscription and a comment, with curl:
#   HEARBACK_URL=http://127.0.0.1:8025 HEARBACK_KEY=hb_… sh curl.sh
set -eu

# call METHOD PATH [BODY]: prints the answer. A refusal ends the script; what is wrong and the mend stand in the answer.
# It is tried again after a lost connection, 429 and 5xx: each of the calls below may be made twice.
call() {
    curl --silent --show-error --fail-with-body --max-time 30 --retry 4 --retry-connrefused \
        --request "$1" "$HEARBACK_URL$2" \
        --header "Authorization: Bearer $HEARBACK_KEY" --header 'Content-Type: application/json' \
        ${3:+--data "$3"} || { echo "$1 $2 was refused" >&2; exit 1; }
}

# Who they are. "confirmed" says that the site knows the address to be theirs; without it they are asked by mail first.
call PUT /v1/subscribers/u-1 '{"email": "ann@example.org", "name": "Ann", "author_ids": ["u-1"], "confirmed": true}'

# What they want to hear of.
call POST /v1/subscriptions '{"subscriber": "u-1", "target": {"type": "thread", "id": "post-7"}}'

# What happened. The id names the event: sending it again changes nothing.
call POST /v1/events '{
    "id": "c-1-published", "type": "comment.published", "time": "'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'",
    "thread": {"id": "post-7", "url": "https://blog.example.org/7", "title": "On clocks"},
    "comment": {"id": "c-1", "html": "<p>Who winds them, with curl?</p>"},
    "author": {"id": "u-2", "name": "Patrick"}}'
