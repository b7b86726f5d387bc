/** Returns a name with its ID, as in `Airflow (key_7Hq2mZ0aV9tR4xYb)`; the ID if there is no other name. */
export function named(name: string | null, id: string): string {
  return name === null || name === id ? id : `${name} (${id})`;
}
