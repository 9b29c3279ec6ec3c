-- +goose Up
-- Who left a site and was erased, by the key of their address alone: nobody is named, and yet no back
-- end brings them back without a later consent of theirs.
CREATE TABLE hearback_left (
    site        TEXT NOT NULL,
    address_key BIGINT NOT NULL,
    left_at     BIGINT NOT NULL,
    PRIMARY KEY (site, address_key)
);

-- +goose Down
DROP TABLE hearback_left;
