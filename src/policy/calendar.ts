/** The Gregorian calendar over whole days since 1970-01-01, without any time zone. */

export const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;

export interface CalendarDay {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly dayOfMonth: number;
  /** 0 = Sunday to 6 = Saturday. */
  readonly dayOfWeek: number;
}

/** Days of 400 Gregorian years, after which the calendar repeats. */
const ERA_DAYS = 146_097;
/** Day number of 0000-03-01 is −719,468: years that begin in March put the leap day last. */
const EPOCH_SHIFT = 719_468;

/** Year, month, day of the month and day of the week of the day `day` days after 1970-01-01. */
export function calendarDay(day: number): CalendarDay {
  const shifted = day + EPOCH_SHIFT;
  const ofEra = shifted - Math.floor(shifted / ERA_DAYS) * ERA_DAYS;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  // Months from March have lengths that repeat every five: 153 days.
  const marchMonth = Math.floor((5 * ofYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + Math.floor(shifted / ERA_DAYS) * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfMonth: ofYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
    dayOfWeek: (((day + 4) % 7) + 7) % 7,
  };
}
