/** τ′ of both students, also of the intact student's targets for the elastic one (spec §4). */
export const STUDENT_TEMPERATURE = 0.1;
