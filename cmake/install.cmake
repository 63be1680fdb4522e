# cmake --install: the program, the library with its header and pkg-config file, the manual pages and the completions.
install(TARGETS program trimtab)
install(FILES include/trimtab.h TYPE INCLUDE)
configure_file(cmake/trimtab.pc.in ${CMAKE_BINARY_DIR}/trimtab.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/trimtab.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
