-- The two databases, made when the volume is new.
CREATE DATABASE operator;
CREATE DATABASE provider;
