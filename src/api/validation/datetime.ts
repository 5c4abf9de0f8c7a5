/** RFC 3339 instants as kube-apiserver reads them. */

const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.]\d+)?(?:[Zz]|[+-](\d{2}):(\d{2}))$/;

const daysOf = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** Whether `text` is an RFC 3339 instant of a day that exists. */
export const isDateTime = (text: string): boolean => {
  const match = DATE_TIME.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const dayExists = month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
  return dayExists && hour <= 23 && minute <= 59 && second <= 59;
};
