-- What an operator found when looking into an alarm: who, when and the note, sealed. It goes with its alarm.
CREATE TABLE alarm_note (
    site_id int NOT NULL,
    alarm_id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, alarm_id),
    FOREIGN KEY (site_id, alarm_id) REFERENCES alarm (site_id, id) ON DELETE CASCADE
);
