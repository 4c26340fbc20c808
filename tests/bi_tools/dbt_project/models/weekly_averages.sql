-- Weeks of UTC. The average of a week is all its totals by all its samples.
select
    equipment_id,
    name,
    unit,
    date_trunc('week', time, 'UTC') as week,
    sum(total_value) / sum(sample_count) as average,
    sum(sample_count) as readings
from {{ source('bi', 'readings_1h') }}
group by 1, 2, 3, 4
