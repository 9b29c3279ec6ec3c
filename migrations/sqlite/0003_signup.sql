-- +goose Up
-- What was asked for with a form and nobody has confirmed yet. It lies beside the subscriptions, so
-- that a stranger who types an address changes nothing of what its reader has chosen.
CREATE TABLE hearback_signup (
    subscriber  BIGINT NOT NULL,
    target_type TEXT NOT NULL,
    target_id   TEXT NOT NULL,
    depth       TEXT NOT NULL,
    schedule    TEXT NOT NULL,
    since       BIGINT NOT NULL,
    asked_at    BIGINT NOT NULL,
    PRIMARY KEY (subscriber, target_type, target_id)
);
CREATE INDEX hearback_signup_asked ON hearback_signup (asked_at);

-- When a link was last asked for an address, known or not, by the address's key alone.
CREATE TABLE hearback_link_asked (
    address_key BIGINT PRIMARY KEY,
    asked_at    BIGINT NOT NULL
);
CREATE INDEX hearback_link_asked_at ON hearback_link_asked (asked_at);

CREATE INDEX hearback_subscriber_unconfirmed ON hearback_subscriber (created_at) WHERE confirmed_at = 0;

-- +goose Down
DROP INDEX hearback_subscriber_unconfirmed;
DROP TABLE hearback_link_asked;
DROP TABLE hearback_signup;
