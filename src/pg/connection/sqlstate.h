/* The SQLSTATEs that decisions depend on, named as in PostgreSQL's errcodes.txt. */
#pragma once

#define SQLSTATE_CLASS_CONNECTION    "08"
#define SQLSTATE_CLASS_DATA          "22"
#define SQLSTATE_CLASS_CONSTRAINT    "23"
#define SQLSTATE_CLASS_AUTHORIZATION "28"

#define SQLSTATE_FEATURE_NOT_SUPPORTED       "0A000"
#define SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE "22021"
#define SQLSTATE_FOREIGN_KEY_VIOLATION       "23503"
#define SQLSTATE_UNIQUE_VIOLATION            "23505"
#define SQLSTATE_EXCLUSION_VIOLATION         "23P01"
#define SQLSTATE_READ_ONLY                   "25006" /* read_only_sql_transaction */
#define SQLSTATE_UNDEFINED_DATABASE          "3D000"
#define SQLSTATE_UNDEFINED_SCHEMA            "3F000"
#define SQLSTATE_SERIALIZATION_FAILURE       "40001"
#define SQLSTATE_DEADLOCK_DETECTED           "40P01"
#define SQLSTATE_INSUFFICIENT_PRIVILEGE      "42501"
#define SQLSTATE_SYNTAX_ERROR                "42601"
#define SQLSTATE_DUPLICATE_COLUMN            "42701"
#define SQLSTATE_UNDEFINED_COLUMN            "42703"
#define SQLSTATE_UNDEFINED_OBJECT            "42704"
#define SQLSTATE_DUPLICATE_OBJECT            "42710"
#define SQLSTATE_DUPLICATE_FUNCTION          "42723"
#define SQLSTATE_DATATYPE_MISMATCH           "42804"
#define SQLSTATE_WRONG_OBJECT_TYPE           "42809"
#define SQLSTATE_INVALID_FOREIGN_KEY         "42830"
#define SQLSTATE_UNDEFINED_FUNCTION          "42883" /* also operators */
#define SQLSTATE_UNDEFINED_TABLE             "42P01"
#define SQLSTATE_DUPLICATE_SCHEMA            "42P06"
#define SQLSTATE_DUPLICATE_TABLE             "42P07" /* also views, sequences, indexes */
#define SQLSTATE_INVALID_TABLE_DEFINITION    "42P16"
#define SQLSTATE_DISK_FULL                   "53100"
#define SQLSTATE_OUT_OF_MEMORY               "53200" /* also for lock memory */
#define SQLSTATE_TOO_MANY_CONNECTIONS        "53300"
#define SQLSTATE_LIMIT_EXCEEDED              "53400" /* configuration_limit_exceeded */
#define SQLSTATE_OBJECT_IN_USE               "55006"
#define SQLSTATE_LOCK_NOT_AVAILABLE          "55P03"
#define SQLSTATE_QUERY_CANCELED              "57014"
#define SQLSTATE_UNDEFINED_FILE              "58P01"
#define SQLSTATE_ADMIN_SHUTDOWN              "57P01"
#define SQLSTATE_CRASH_SHUTDOWN              "57P02"
#define SQLSTATE_CANNOT_CONNECT_NOW          "57P03"
#define SQLSTATE_DATABASE_DROPPED            "57P04"
#define SQLSTATE_INTERNAL_ERROR              "XX000"
