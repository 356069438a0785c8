/* Multiplication on P-256 for tests alone: it takes neither constant time nor care of its memory. */
#ifndef TESTS_P256_H
#define TESTS_P256_H

#include <windows.h>

/* The x of scalar * (x, y); all of them 32 bytes, the most significant first. */
void p256_multiply(const BYTE scalar[32], const BYTE x[32], const BYTE y[32], BYTE product[32]);

#endif
