import com.healthmarketscience.jackcess.Database;
import com.healthmarketscience.jackcess.DatabaseBuilder;
import com.healthmarketscience.jackcess.Row;
import java.io.File;

/** Reads every cell of every table with Jackcess: JackcessAll FILE TABLE… */
public class JackcessAll {
    public static void main(String[] arguments) throws Exception {
        long cells = 0;
        try (Database database = DatabaseBuilder.open(new File(arguments[0]))) {
            for (int at = 1; at < arguments.length; at++) {
                for (Row row : database.getTable(arguments[at])) {
                    cells += row.size();
                }
            }
        }
        System.out.println(cells);
    }
}
