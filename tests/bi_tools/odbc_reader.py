"""Reads the schema bi by ODBC, in an environment that has pyodbc; prints JSON of what it found."""

import json
import sys

import pyodbc

connection = pyodbc.connect(sys.argv[1], readonly=True)
cursor = connection.cursor()
tables = {(row.table_schem, row.table_name) for row in cursor.tables(tableType="VIEW")}
columns = {
    row.column_name: row.type_name for row in cursor.columns(table="readings_1h", schema="bi")
}
rows, total = 0, 0.0
cursor.execute("SELECT value, time FROM bi.readings")
description = [column[1].__name__ for column in cursor.description]
while batch := cursor.fetchmany(500):
    rows += len(batch)
    total += sum(row.value for row in batch)
cursor.execute(
    "SELECT sum(total_value) / sum(sample_count) FROM bi.readings_1h WHERE unit = ?", "°F"
)
average = cursor.fetchval()
try:
    cursor.execute("SELECT * FROM public.readings")
    refusal = ""
except pyodbc.Error as error:
    refusal = error.args[0]
json.dump(
    {
        "schemas": sorted({schema for schema, _ in tables}),
        "views": sorted(name for schema, name in tables if schema == "bi"),
        "columns": columns,
        "types": description,
        "rows": rows,
        "total": total,
        "average": average,
        "refusal": refusal,
    },
    sys.stdout,
)
