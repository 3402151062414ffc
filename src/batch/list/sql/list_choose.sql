-- A page of the ids that match a filter, sorted, with the total. An empty page has one row, with id NULL, that holds the
-- total. {chosen} is the statement of the entity (list_users.sql and its kind), which also uses $1.
-- $2: asc or desc, $3 and $4: the sort key after which the page begins, as text or number, $5: the id of that row (NULL:
-- from the start), $6: number of rows (NULL: all).
WITH chosen AS (
{chosen}
), page AS (
  SELECT chosen.*, row_number() OVER (
           ORDER BY CASE WHEN $2::text = 'asc' THEN text_key END ASC NULLS LAST,
                    CASE WHEN $2 = 'desc' THEN text_key END DESC NULLS LAST,
                    CASE WHEN $2 = 'asc' THEN number_key END ASC NULLS LAST,
                    CASE WHEN $2 = 'desc' THEN number_key END DESC NULLS LAST,
                    id) AS place
    FROM chosen
   WHERE $5::int8 IS NULL
      OR CASE WHEN $3::text IS NULL AND $4::numeric IS NULL
              THEN text_key IS NULL AND number_key IS NULL AND id > $5
              ELSE (text_key IS NULL AND number_key IS NULL)
                OR CASE $2::text WHEN 'desc' THEN text_key < $3 OR number_key < $4 ELSE text_key > $3 OR number_key > $4 END
                OR ((text_key = $3 OR number_key = $4) AND id > $5) END
   ORDER BY place
   LIMIT $6::int8
)
SELECT page.id, page.text_key, page.number_key, all_of_them.n
  FROM (SELECT count(*) AS n FROM chosen) AS all_of_them
  LEFT JOIN page ON true
 ORDER BY page.place
